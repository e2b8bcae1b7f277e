# A late ack that nobody superseded counts; the lost lease stays counted (G7).
t=0        enqueue  a queue=mail               -> a ready
t=0        lease    mail ttl=30s by w1         -> a leased #1
t=30s+1ms  tick                                -> a ready (crash 1)
t=31s      ack      a #1 result=late           -> late, a succeeded (crash 1, result late)
t=31s      lease    mail by w2                 -> nothing
