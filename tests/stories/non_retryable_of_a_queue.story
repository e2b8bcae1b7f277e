# A queue's patterns hold for jobs without patterns of their own.
t=0  configure  mail non_retryable=Fatal*        -> ok
t=0  enqueue    a queue=mail                     -> a ready
t=0  enqueue    b queue=mail non_retryable=Other -> b ready
t=0  lease      mail max=9 by w1                 -> a leased #1, b leased #1
t=0  nack       a #1 error=FatalError            -> a dead (reason non_retryable)
t=0  nack       b #1 error=FatalError            -> b retrying
