# Progress is the present delivery's; a checkpoint is handed to each later one, until the record goes.
t=0   enqueue  a queue=mail max_attempts=2   -> a ready
t=0   lease    mail by w1                    -> a leased #1 (progress none, checkpoint none)
t=1s  extend   a #1 progress=10 checkpoint=1 -> a leased (progress 10, checkpoint 1)
t=2s  extend   a #1 progress=20              -> a leased (progress 20, checkpoint 1)
t=3s  extend   a #1 checkpoint=2             -> a leased (progress 20, checkpoint 2)
t=4s  nack     a #1 in=1s                    -> a retrying (progress 20, checkpoint 2)
t=5s  tick                                   -> a ready
t=5s  lease    mail by w1                    -> a leased #2 (progress none, checkpoint 2)
t=6s  extend   a #2 progress=5               -> a leased (progress 5)
t=6s  nack     a #2                          -> a dead (progress 5, checkpoint 2)
t=7s  redrive  a                             -> a ready (progress none, checkpoint 2)
