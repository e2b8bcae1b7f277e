# A call whose answer was lost is answered as at first, whatever became of the job that was in its way (G3).
t=0   enqueue  a queue=mail unique=k           -> a ready
t=0   enqueue  b queue=mail unique=k           -> deduplicated, a ready
t=1s  cancel   a                               -> a cancelled
t=2s  enqueue  b queue=mail unique=k again=yes -> deduplicated, a cancelled
t=3s  enqueue  b queue=mail unique=k           -> b ready
