# A draining queue takes no new jobs and serves the rest, until it is resumed.
t=0   enqueue  a b queue=mail     -> a ready
t=0   drain    mail               -> ok
t=0   queue    mail               -> draining yes, paused no
t=0   enqueue  c queue=mail       -> refused queue_draining, c gone
t=0   enqueue  c queue=mail key=k -> refused queue_draining, c gone
t=1s  lease    mail by w1         -> a leased #1
t=1s  nack     a #1 in=1s         -> a retrying
t=2s  tick                        -> a ready
t=2s  lease    mail max=2 by w1   -> b leased #1, a leased #2
t=3s  resume   mail               -> ok
t=3s  enqueue  c queue=mail key=k -> c ready
t=3s  queue    mail               -> draining no, paused no
