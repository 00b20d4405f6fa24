package bhttp

// DecodeRequest decodes a request of known or indeterminate length. Its errors wrap [ErrMalformed]
// or [ErrTooLarge]. The content of a request of known length shares memory with b.
func DecodeRequest(b []byte) (*Request, error) {
	d := &decoder{b: b}
	framing := d.varint()
	if framing != requestKnown && framing != requestIndeterminate {
		d.fail(malformed("not a request"))
	}
	r := &Request{Method: d.text(), Scheme: d.text(), Authority: d.text(), Path: d.text()}
	r.Header, r.Content, r.Trailer = d.rest(framing == requestKnown)
	if d.err == nil {
		d.err = checkControl(r)
	}
	if d.err != nil {
		return nil, d.err
	}
	return r, nil
}

// DecodeResponse decodes a response of known or indeterminate length. It checks informational
// responses before the final one and drops them. Its errors wrap [ErrMalformed] or [ErrTooLarge].
// The content of a response of known length shares memory with b.
func DecodeResponse(b []byte) (*Response, error) {
	d := &decoder{b: b}
	framing := d.varint()
	if framing != responseKnown && framing != responseIndeterminate {
		d.fail(malformed("not a response"))
	}
	status := d.varint()
	for n := 0; d.err == nil && status >= 100 && status < 200; n++ {
		if n == MaxInterim {
			d.fail(tooLarge("more than MaxInterim informational responses"))
		}
		d.section(framing == responseKnown, false)
		status = d.varint()
	}
	if d.err == nil && !finalStatus(status) {
		d.fail(malformed("impossible status"))
	}
	r := &Response{Status: int(status)}
	r.Header, r.Content, r.Trailer = d.rest(framing == responseKnown)
	if d.err != nil {
		return nil, d.err
	}
	return r, nil
}

func finalStatus(status uint64) bool { return status >= 200 && status <= 599 }

// decoder reads a message from its start. After the first error it returns zero values.
type decoder struct {
	b   []byte // the unread rest
	err error  // the first error
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.b = nil
}

// varint reads an integer (RFC 9000, section 16) in any of its encodings.
func (d *decoder) varint() uint64 {
	if len(d.b) == 0 || len(d.b) < 1<<(d.b[0]>>6) {
		d.fail(malformed("ends within an integer"))
		return 0
	}
	n := 1 << (d.b[0] >> 6)
	v := uint64(d.b[0] & 0x3f)
	for _, c := range d.b[1:n] {
		v = v<<8 | uint64(c)
	}
	d.b = d.b[n:]
	return v
}

// take reads n bytes.
func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.fail(malformed("ends within a string"))
		return nil
	}
	taken := d.b[:n:n]
	d.b = d.b[n:]
	return taken
}

// text reads one part of a request's control data, after its length.
func (d *decoder) text() string {
	n := d.varint()
	if n > MaxControl {
		d.fail(tooLarge("control data exceeds MaxControl"))
		return ""
	}
	return string(d.take(n))
}

// rest reads what follows the control data. Parts that are missing at the end are empty
// (section 3.8).
func (d *decoder) rest(known bool) (header []Field, content []byte, trailer []Field) {
	header = d.section(known, false)
	switch {
	case len(d.b) == 0:
	case known:
		content = d.take(d.varint())
	default:
		content = d.chunks()
	}
	trailer = d.section(known, true)
	for _, c := range d.b {
		if c != 0 {
			d.fail(malformed("padding is not zero"))
			break
		}
	}
	return header, content, trailer
}

// chunks reads the content of a message of indeterminate length.
func (d *decoder) chunks() (content []byte) {
	for d.err == nil {
		n := d.varint()
		if n == 0 {
			break
		}
		content = append(content, d.take(n)...)
	}
	return content
}

// section reads a field section. It is empty if the message ends before it.
func (d *decoder) section(known, trailer bool) (fields []Field) {
	if len(d.b) == 0 {
		return nil
	}
	s := d
	if known {
		n := d.varint()
		if n > MaxFieldSection {
			d.fail(tooLarge("a field section exceeds MaxFieldSection"))
			return nil
		}
		s = &decoder{b: d.take(n)}
	}
	size := 0
	for s.err == nil && (!known || len(s.b) > 0) {
		before := len(s.b)
		n := s.varint()
		if n == 0 && !known {
			break
		}
		f := s.field(n)
		if size += before - len(s.b); s.err == nil && (size > MaxFieldSection || len(fields) == MaxFields) {
			s.fail(tooLarge("a field section exceeds MaxFieldSection or MaxFields"))
		}
		if s.err == nil {
			s.err = checkField(&f, fields, trailer)
		}
		fields = append(fields, f)
	}
	if s.err != nil {
		d.fail(s.err)
		return nil
	}
	return fields
}

// field reads a field line whose name has n bytes.
func (d *decoder) field(n uint64) Field {
	if n > MaxFieldSection {
		d.fail(tooLarge("a field name exceeds MaxFieldSection"))
	}
	name := lower(d.take(n))
	n = d.varint()
	if n > MaxFieldSection {
		d.fail(tooLarge("a field value exceeds MaxFieldSection"))
	}
	return Field{name, string(d.take(n))}
}

// lower returns name in lower case.
func lower(name []byte) string {
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			b := append([]byte(nil), name...)
			for ; i < len(b); i++ {
				if b[i] >= 'A' && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return string(name)
}
