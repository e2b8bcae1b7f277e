# Changes that were made together are told one by one, each once, also where a page ends among them.
t=0   events                 -> nothing
t=0   enqueue  a b c d e f g h i j queue=mail -> a ready
t=1s  events                 -> a ready, b ready, c ready, d ready, e ready, f ready, g ready, h ready, i ready, j ready
