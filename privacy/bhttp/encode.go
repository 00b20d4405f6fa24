package bhttp

// AppendRequest appends r with known lengths (RFC 9292, section 3.1). It refuses what DecodeRequest
// would refuse; dst is then returned unchanged.
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

// AppendResponse appends r with known lengths (RFC 9292, section 3.1). It refuses what
// DecodeResponse would refuse; dst is then returned unchanged.
func AppendResponse(dst []byte, r *Response) ([]byte, error) {
	if !finalStatus(uint64(r.Status)) {
		return dst, malformed("status is not 200 to 599")
	}
	b := appendVarint(append(dst, responseKnown), uint64(r.Status))
	return appendRest(dst, b, r.Header, r.Content, r.Trailer)
}

// Pad appends zeros to a message that begins at offset from until it is the least multiple of size
// bytes, so that its length tells less of what it is (section 3.8). A message that is a multiple
// already stays as it is.
func Pad(b []byte, from, size int) []byte {
	if over := (len(b) - from) % size; over > 0 {
		b = append(b, make([]byte, size-over)...)
	}
	return b
}

// appendRest appends what follows the control data to b; on an error it returns dst.
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

// varintSize is the length of the shortest encoding of v (RFC 9000, section 16).
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

// appendVarint appends v, which is below 2^62, in as few bytes as possible.
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
