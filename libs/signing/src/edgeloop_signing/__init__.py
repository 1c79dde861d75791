"""Who may say what devices answer: roles, each with keys of its own, and the PEM files that hold them."""
