# The bytes that a queue may hold are looked at for each job of a list.
t=0   configure  mail max_bytes=250                  -> ok
t=0   enqueue    a b c queue=mail bytes=100 each=yes -> refused queue_full, a ready, b ready, c gone
t=1s  lease      mail max=9 by w1                    -> a leased #1, b leased #1
