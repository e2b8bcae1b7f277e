# A request to end belongs to one lease, not to the next run.
t=0   enqueue  a queue=mail max_attempts=1 -> a ready
t=0   lease    mail by w1                  -> a leased #1
t=1s  nack     a #1                        -> a dead
t=2s  cancel   a                           -> refused final
t=2s  redrive  a                           -> a ready
t=3s  lease    mail by w1                  -> a leased #1 (asked no)
t=4s  release  a #1                        -> a ready
