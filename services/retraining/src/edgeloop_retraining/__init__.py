"""The service that decides when a fit is due, and on which rows."""
