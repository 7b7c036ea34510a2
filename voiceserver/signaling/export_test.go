package signaling

// Queue returns for how many frames a connection has memory.
func (c *Conn) Queue() int { return cap(c.out) }
