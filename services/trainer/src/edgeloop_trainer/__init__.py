"""Challengers: fitted on the rows that a request names, judged against the champion, handed on if they are ahead."""
