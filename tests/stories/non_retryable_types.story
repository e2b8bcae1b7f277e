# A type of error that matches a pattern ends the job at once; a star stands for anything, all else for itself.
t=0  enqueue  a b c d e f queue=mail non_retryable=ValueError,Auth.*,*Refused -> a ready
t=0  lease    mail max=3 by w1                         -> a leased #1, b leased #1, c leased #1
t=0  lease    mail max=3 by w1                         -> d leased #1, e leased #1, f leased #1
t=0  nack     a #1 error=ValueError                    -> a dead (reason non_retryable)
t=0  nack     b #1 error=Auth.Expired                  -> b dead (reason non_retryable)
t=0  nack     c #1 error=CardRefused                   -> c dead (reason non_retryable)
t=0  nack     d #1 error=AuthXExpired                  -> d retrying
t=0  nack     e #1 error=ValueErrors                   -> e retrying
t=0  nack     f #1 error=Value                         -> f retrying
