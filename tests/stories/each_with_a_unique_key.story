# Jobs of a list meet each other as if they had come one by one, and so they do when the call comes again (G3).
t=0   enqueue  a b queue=mail each=yes unique=k                        -> deduplicated, a ready, a ready
t=1s  cancel   a                                                       -> a cancelled
t=1s  enqueue  a b queue=mail each=yes unique=k again=yes              -> deduplicated, a cancelled, a cancelled
t=2s  enqueue  c d queue=mail each=yes unique=l on_conflict=reject     -> refused unique_conflict, c ready, d gone
t=3s  enqueue  d e queue=mail each=yes unique=l on_conflict=replace    -> replaced, c ready, c ready
