# A lease past its deadline still keeps the job until the reaper has acted (G5).
t=0     enqueue  a queue=mail                  -> a ready
t=0     lease    mail ttl=30s by w1            -> a leased #1
t=40s   lease    mail by w2                    -> nothing
t=40s   ack      a #1                          -> late, a succeeded (crash 0)
