# Jobs of one request meet each other as they meet those that are there.
t=0  enqueue  a b queue=mail unique=k                  -> deduplicated, a ready, a ready
t=0  enqueue  c d queue=mail unique=k2 on_conflict=reject -> refused unique_conflict, c gone, d gone
t=0  enqueue  c d queue=mail unique=k2 on_conflict=replace -> refused unique_conflict, c gone
t=0  enqueue  c queue=mail unique=k2                   -> c ready, b gone
