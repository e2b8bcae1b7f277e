# With `replace` the job that is there takes over payload and options, and keeps its id and its age (debounce).
t=0    enqueue  a queue=mail unique=k delay=10s          -> a scheduled (due 10s, bytes 2)
t=5s   enqueue  b queue=mail unique=k on_conflict=replace delay=10s bytes=9 -> replaced, a scheduled (due 15s, bytes 9)
t=6s   enqueue  b queue=mail unique=k on_conflict=replace priority=7 -> replaced, a ready (enqueued 0)
t=7s   enqueue  b queue=mail unique=k on_conflict=replace delay=3s expires=9s -> replaced, a scheduled (expires 16s)
t=10s  tick                                              -> a ready
t=10s  lease    mail by w1                               -> a leased #1
t=10s  enqueue  b queue=mail unique=k on_conflict=replace -> refused unique_conflict, a leased
t=10s  release  a #1                                     -> a ready
t=10s  enqueue  b queue=mail unique=k on_conflict=replace -> refused unique_conflict, a ready
t=11s  get                                               -> a ready (expires 16s, priority 100, bytes 2)
