# With `reject` a taken key refuses the whole group.
t=0  enqueue  a queue=mail unique=k                    -> a ready
t=0  enqueue  b queue=mail unique=k on_conflict=reject -> refused unique_conflict, b gone, a ready
t=0  cancel   a                                        -> a cancelled
t=0  enqueue  b queue=mail unique=k on_conflict=reject -> b ready
