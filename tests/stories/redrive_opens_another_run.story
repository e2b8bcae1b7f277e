# A redriven job starts from the beginning, at the end of the line; fence and checkpoint go on (G8, G12).
t=0   enqueue  a b queue=mail max_attempts=1 -> a ready (run 1)
t=0   lease    mail by w1                 -> a leased #1
t=0   extend   a #1 progress=1 checkpoint=2 -> a leased
t=0   nack     a #1 error=Bad             -> a dead (reason max_attempts, finished 0)
t=5s  redrive  a                          -> a ready (run 2, attempt 1, delivery 0, crash 0, reason none, finished none)
t=5s  get                                 -> a ready (error Bad, checkpoint 2, progress none)
t=5s  lease    mail max=2 by w1           -> b leased #1, a leased #1 (attempt 1, delivery 1)
t=6s  nack     a #1                       -> a dead
t=6s  redrive  a                          -> a ready (run 3)
