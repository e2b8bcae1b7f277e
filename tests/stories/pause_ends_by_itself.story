# A pause for a time ends at its instant, without anybody's doing (G21).
t=0        enqueue  a queue=mail -> a ready
t=0        pause    mail for=10s -> ok
t=0        queue    mail         -> paused 10s
t=10s-1ms  lease    mail by w1   -> nothing
t=10s      queue    mail         -> paused no
t=10s      lease    mail by w1   -> a leased #1
