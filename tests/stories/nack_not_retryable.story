# An error that no retry can mend ends the job at once.
t=0     enqueue  a queue=mail max_attempts=9   -> a ready
t=0     lease    mail by w1                    -> a leased #1
t=1s    nack     a #1 retry=never              -> a dead (attempt 1, reason not_retryable, finished 1s)
