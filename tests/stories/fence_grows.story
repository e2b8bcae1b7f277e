# Each lease of a job has a greater fence than the last, also within one millisecond (G8).
t=1s    enqueue  a queue=mail                  -> a ready (fence none)
t=1s    lease    mail by w1                    -> a leased #1 (fence 1s)
t=1s    release  a #1                          -> a ready (fence 1s)
t=1s    lease    mail by w1                    -> a leased #2 (fence 1s+1us)
t=1s    release  a #2                          -> a ready
t=2s    lease    mail by w1                    -> a leased #3 (fence 2s)
