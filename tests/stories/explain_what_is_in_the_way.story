# Each fact that keeps a job from starting is told by itself, as long as it holds.
t=0    configure  mail concurrency=1 rate=1/1h burst=1 -> ok
t=0    set_limit  api concurrency=1            -> ok
t=0    enqueue    a b queue=mail limits=api:x order=u -> a ready
t=0    enqueue    c queue=mail delay=1h        -> c scheduled
t=0    enqueue    d queue=mail                 -> d ready
t=0    explain    a                            -> nothing
t=0    explain    b                            -> ordering u, behind -
t=0    explain    c                            -> not_due -
t=0    lease      mail max=9 by w1             -> a leased #1
t=1s   explain    a                            -> leased -
t=1s   explain    b                            -> queue_concurrency -, queue_rate -, limit_concurrency api:x, ordering u
t=1s   explain    d                            -> queue_concurrency -, queue_rate -, behind -
t=1s   pause      mail                         -> ok
t=1s   back_off   api for=10s                  -> ok
t=2s   ack        a #1                         -> a succeeded
t=2s   explain    a                            -> ended -
t=2s   explain    b                            -> queue_paused -, queue_rate -, limit_held api
t=2s   explain    c                            -> queue_paused -, queue_rate -, not_due -
t=12s  resume     mail                         -> ok
t=12s  configure  mail                         -> ok
t=12s  explain    b                            -> nothing
t=12s  explain    nobody                       -> nothing
