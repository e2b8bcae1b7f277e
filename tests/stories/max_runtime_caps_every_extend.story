# An extend reaches as far as the run time allows, which starts anew with each delivery.
t=0    enqueue  a queue=mail max_runtime=40s initial=5s jitter=no -> a ready
t=0    lease    mail ttl=30s by w1                       -> a leased #1 (deadline 30s)
t=20s  extend   a #1 ttl=30s                             -> a leased (deadline 40s)
t=30s  extend   a #1 ttl=30s                             -> a leased (deadline 40s)
t=31s  release  a #1                                     -> a ready
t=31s  lease    mail ttl=60s by w1                       -> a leased #2 (deadline 71s)
