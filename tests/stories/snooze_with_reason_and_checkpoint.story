# A snooze may say why, and leave a checkpoint; without one the old one stays.
t=0   enqueue  a queue=mail                           -> a ready
t=0   lease    mail by w1                             -> a leased #1
t=1s  snooze   a #1 delay=5s reason=busy checkpoint=7 -> a scheduled (reason busy, checkpoint 7, due 6s)
t=6s  tick                                            -> a ready
t=6s  lease    mail by w1                             -> a leased #2 (reason none, checkpoint 7)
t=7s  snooze   a #2 delay=5s                          -> a scheduled (reason none, checkpoint 7)
