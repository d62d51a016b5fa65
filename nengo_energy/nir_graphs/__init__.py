"""Networks of other frameworks, by NIR, as Nengo networks, and back."""
