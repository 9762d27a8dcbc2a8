"""The pure core: what has happened, what is true, what happens next. No await, clock, random or I/O."""
