# A repeated lease request is answered with all that the worker needs, also with what its queue said (G9).
t=0   configure  mail max_runtime=20s       -> ok
t=0   enqueue    a queue=mail               -> a ready
t=0   lease      mail by w1                 -> a leased #1
t=1s  snooze     a #1 delay=1s checkpoint=5 -> a scheduled
t=2s  tick                                  -> a ready
t=2s  lease      mail by w1 key=k           -> a leased #2 (deadline 22s, checkpoint 5)
t=3s  lease      mail by w1 key=k           -> replayed, a leased #2 (deadline 22s)
