package bhttp

// AppendRequest appends the known-length encoding of r (RFC 9292, section 3.1) to dst and returns
// the result. If [DecodeRequest] would refuse r, it returns dst unchanged and an error that wraps
// [ErrMalformed] or [ErrTooLarge].
func AppendRequest(dst []byte, r *Request) ([]byte, error) {
	if err := checkControl(r); err != nil {
		return dst, err
	}
	b := append(dst, requestKnown)
	for _, s := range [...]string{r.Method, r.Scheme, r.Authority, r.Path} {
		b = append(appendVarint(b, uint64(len(s))), s...)
	}
	return appendRest(dst, b, r.Header, r.Content, r.Trailer)
}

// AppendResponse appends the known-length encoding of r (RFC 9292, section 3.1) to dst and returns
// the result. If [DecodeResponse] would refuse r, it returns dst unchanged and an error that wraps
// [ErrMalformed] or [ErrTooLarge].
func AppendResponse(dst []byte, r *Response) ([]byte, error) {
	if !finalStatus(uint64(r.Status)) {
		return dst, malformed("status is not 200 to 599")
	}
	b := appendVarint(append(dst, responseKnown), uint64(r.Status))
	return appendRest(dst, b, r.Header, r.Content, r.Trailer)
}

// Pad appends zeros to the message that starts at b[from] until its length is a multiple of size
// bytes, so that the length discloses less about the content (RFC 9292, section 3.8). A message
// whose length already is a multiple is returned unchanged.
func Pad(b []byte, from, size int) []byte {
	if over := (len(b) - from) % size; over > 0 {
		b = append(b, make([]byte, size-over)...)
	}
	return b
}

// appendRest appends what follows the control data to b. With an error it returns dst.
func appendRest(dst, b []byte, header []Field, content []byte, trailer []Field) ([]byte, error) {
	b, err := appendFields(b, header, false)
	if err != nil {
		return dst, err
	}
	b = append(appendVarint(b, uint64(len(content))), content...)
	if b, err = appendFields(b, trailer, true); err != nil {
		return dst, err
	}
	return b, nil
}

func appendFields(b []byte, fields []Field, trailer bool) ([]byte, error) {
	if len(fields) > MaxFields {
		return nil, tooLarge("more than MaxFields field lines")
	}
	size := 0
	for i := range fields {
		f := &fields[i]
		if err := checkField(f, fields[:i], trailer); err != nil {
			return nil, err
		}
		size += varintSize(uint64(len(f.Name))) + len(f.Name) + varintSize(uint64(len(f.Value))) + len(f.Value)
	}
	if size > MaxFieldSection {
		return nil, tooLarge("a field section exceeds MaxFieldSection")
	}
	b = appendVarint(b, uint64(size))
	for i := range fields {
		b = append(appendVarint(b, uint64(len(fields[i].Name))), fields[i].Name...)
		b = append(appendVarint(b, uint64(len(fields[i].Value))), fields[i].Value...)
	}
	return b, nil
}

// varintSize returns the length in bytes of the shortest encoding of v (RFC 9000, section 16).
func varintSize(v uint64) int {
	switch {
	case v < 1<<6:
		return 1
	case v < 1<<14:
		return 2
	case v < 1<<30:
		return 4
	default:
		return 8
	}
}

// appendVarint appends v, which must be below 2^62, in as few bytes as possible.
func appendVarint(b []byte, v uint64) []byte {
	switch varintSize(v) {
	case 1:
		return append(b, byte(v))
	case 2:
		return append(b, 0x40|byte(v>>8), byte(v))
	case 4:
		return append(b, 0x80|byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	default:
		return append(b, 0xc0|byte(v>>56), byte(v>>48), byte(v>>40), byte(v>>32), byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	}
}
