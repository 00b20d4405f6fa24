package dnsprobe

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Only this file uses the DNS library.

// udpSize is the longest answer that is accepted over UDP, in bytes (DNS Flag Day 2020).
const udpSize = 1232

var errOther = errors.New("answer to another question")

// query is the message that every attempt sends, except for its id.
type query struct{ message dns.Msg }

// newQuery makes a query. It checks the names of type and class.
func newQuery(name, qtype, class string, recursion bool) (*query, error) {
	var faults []error
	t, ok := dns.StringToType[strings.ToUpper(qtype)]
	if !ok {
		faults = append(faults, errors.New("query_type: want a record type, such as A"))
	}
	c, ok := dns.StringToClass[strings.ToUpper(class)]
	if !ok {
		faults = append(faults, errors.New("query_class: want IN, CH, HS or ANY"))
	}
	if name == "" {
		faults = append(faults, errors.New("query_name: missing; give the domain name to ask for"))
	} else if _, ok := dns.IsDomainName(name); !ok {
		faults = append(faults, errors.New("query_name: not a domain name"))
	}
	q := new(query)
	q.message.Question = []dns.Question{{Name: dns.Fqdn(name), Qtype: t, Qclass: c}}
	q.message.RecursionDesired = recursion
	q.message.SetEdns0(udpSize, false)
	return q, errors.Join(faults...)
}

// pack returns the encoded message and its id.
func (q *query) pack(random bool) (wire []byte, id uint16, err error) {
	m := q.message
	if random { // otherwise 0, as RFC 8484, section 4.1, recommends
		m.Id = dns.Id()
	}
	wire, err = m.Pack()
	return wire, m.Id, err
}

// asksSOA reports whether the query is for SOA records.
func (q *query) asksSOA() bool { return q.message.Question[0].Qtype == dns.TypeSOA }

// checkCodes checks the names of response codes.
func checkCodes(key string, names []string) error {
	for i, name := range names {
		if _, ok := dns.StringToRcode[name]; !ok {
			return fmt.Errorf("%s[%d]: want a response code, such as NOERROR", key, i)
		}
	}
	return nil
}

// reply is a name server's answer, with its records in the form of a zone file.
type reply struct {
	code                          string // NOERROR
	answer, authority, additional []string
	data                          []string // of the answer's records, without name, class and TTL
	// of the first SOA record in the answer; 0: there is none
	serial uint32
}

// parse parses the answer to the query with that id. The error is errOther if it is not the answer.
func (q *query) parse(wire []byte, id uint16) (*reply, error) {
	var m dns.Msg
	if err := m.Unpack(wire); err != nil {
		return nil, err
	}
	if m.Id != id || !m.Response || !q.answeredBy(&m) {
		return nil, errOther
	}
	code, ok := dns.RcodeToString[m.Rcode]
	if !ok {
		code = fmt.Sprintf("RCODE%d", m.Rcode)
	}
	r := &reply{code: code, answer: texts(m.Answer), authority: texts(m.Ns)}
	r.additional = texts(slices.DeleteFunc(m.Extra, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeOPT }))
	for i, rr := range m.Answer {
		r.data = append(r.data, strings.TrimPrefix(r.answer[i], rr.Header().String()))
		if soa, ok := rr.(*dns.SOA); ok && r.serial == 0 {
			r.serial = soa.Serial
		}
	}
	return r, nil
}

// answeredBy reports whether m repeats the question. Servers that refuse to answer may
// leave it out.
func (q *query) answeredBy(m *dns.Msg) bool {
	if len(m.Question) == 0 {
		return m.Rcode != dns.RcodeSuccess
	}
	asked, repeated := q.message.Question[0], m.Question[0]
	return strings.EqualFold(asked.Name, repeated.Name) && asked.Qtype == repeated.Qtype && asked.Qclass == repeated.Qclass
}

func texts(rrs []dns.RR) []string {
	all := make([]string, len(rrs))
	for i, rr := range rrs {
		all[i] = rr.String()
	}
	return all
}
