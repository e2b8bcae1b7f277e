# A job that was never leased has no valid token (G6).
t=0     enqueue  a queue=mail                  -> a ready
t=0     ack      a forged                      -> refused lease_lost, a ready
t=0     release  a forged                      -> refused lease_lost, a ready
t=0     snooze   a forged delay=1s             -> refused lease_lost, a ready
