"""Any Nengo network, in a form that NengoLoihi builds."""
