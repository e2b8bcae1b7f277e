# New settings leave pause and drain as they are.
t=0  enqueue    a queue=mail   -> a ready
t=0  pause      mail           -> ok
t=0  drain      mail           -> ok
t=0  configure  mail lease=10s -> ok
t=0  queue      mail           -> paused yes, draining yes
t=0  lease      mail by w1     -> nothing
t=0  enqueue    b queue=mail   -> refused queue_draining
