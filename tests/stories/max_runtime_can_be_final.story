# The type of a used-up run time may be among those that no retry mends.
t=0    enqueue  a queue=mail max_runtime=10s non_retryable=MaxRuntime* -> a ready
t=0    lease    mail by w1                               -> a leased #1
t=10s  tick                                              -> a dead (reason non_retryable, attempt 1)
