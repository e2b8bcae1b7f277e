# The record of a job that has ended can be deleted, and takes everything with it.
t=0  enqueue   a b queue=mail tags=k:v -> a ready
t=0  delete    a                       -> refused not_final, a ready
t=0  lease     mail by w1              -> a leased #1
t=0  delete    a                       -> refused not_final, a leased
t=0  nack      a #1 retry=never        -> a dead
t=0  delete    a                       -> a gone
t=0  attempts  a                       -> nothing
t=0  list      tag=k:v                 -> b ready
t=0  delete    a                       -> refused not_found
t=0  cancel    b                       -> b cancelled
t=0  delete    b                       -> b gone
t=0  stats     mail                    -> backlog 0
