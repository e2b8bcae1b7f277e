# Only jobs that nobody holds can be patched, and they stay in their group of queues.
t=0  enqueue  a b queue=mail    -> a ready
t=0  patch    a queue=pics      -> refused other_group, a ready (queue mail)
t=0  drain    mail.low          -> ok
t=0  patch    a queue=mail.low  -> refused queue_draining, a ready (queue mail)
t=0  lease    mail by w1        -> a leased #1
t=0  patch    a priority=1      -> refused leased, a leased (priority 100)
t=0  ack      a #1              -> a succeeded
t=0  patch    a priority=1      -> refused final, a succeeded
t=0  patch    nobody priority=1 -> refused not_found
