# A job that is not created needs no room.
t=0  configure  mail max_depth=1 max_bytes=10            -> ok
t=0  enqueue    a queue=mail unique=k                    -> a ready
t=0  enqueue    b queue=mail unique=k                    -> deduplicated, a ready
t=0  enqueue    b queue=mail unique=k on_conflict=replace -> replaced, a ready
t=0  enqueue    b queue=mail                             -> refused queue_full
t=0  enqueue    b c queue=mail unique=k2                 -> refused queue_full
t=0  configure  mail max_depth=2 max_bytes=4             -> ok
t=0  enqueue    b c queue=mail unique=k2                 -> deduplicated, b ready, b ready
