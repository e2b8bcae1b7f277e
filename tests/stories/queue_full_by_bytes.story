# The bound in bytes counts the payloads of jobs that were enqueued since it was set, until they end.
t=0   enqueue    a queue=mail bytes=900 -> a ready
t=0   configure  mail max_bytes=100     -> ok
t=0   enqueue    b queue=mail bytes=60  -> b ready
t=0   enqueue    c queue=mail bytes=41  -> refused queue_full, c gone
t=0   enqueue    c queue=mail bytes=40  -> c ready
t=0   enqueue    d queue=mail bytes=2   -> refused queue_full
t=1s  cancel     b                      -> b cancelled
t=1s  enqueue    d queue=mail bytes=61  -> refused queue_full
t=1s  enqueue    d queue=mail bytes=60  -> d ready
t=2s  lease      mail max=9 by w1       -> a leased #1, c leased #1, d leased #1
t=2s  enqueue    e queue=mail bytes=2   -> refused queue_full
t=2s  ack        c #1                   -> c succeeded
t=2s  enqueue    e queue=mail bytes=40  -> e ready
t=3s  cancel     e                      -> e cancelled
t=3s  configure  mail                   -> ok
t=3s  enqueue    f queue=mail bytes=900 -> f ready
t=3s  configure  mail max_bytes=100     -> ok
t=3s  enqueue    g queue=mail bytes=40  -> g ready
