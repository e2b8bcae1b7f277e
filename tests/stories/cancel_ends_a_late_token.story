# A job cancelled after its lease ran out tells its old holder so, whatever that one wants (G12, G20).
t=0    enqueue  a queue=mail       -> a ready
t=0    lease    mail ttl=30s by w1 -> a leased #1
t=30s  tick                        -> a ready (crash 1)
t=31s  cancel   a                  -> a cancelled
t=32s  ack      a #1               -> refused job_cancelled, a cancelled
t=32s  nack     a #1               -> refused job_cancelled, a cancelled
t=32s  extend   a #1               -> refused job_cancelled, a cancelled
t=32s  ack      a forged           -> refused lease_lost, a cancelled
