package metamorphic

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// quoted is a key as Go quotes it, without what separates parts of a line.
func quoted(b []byte) string {
	return strings.NewReplacer(" ", `\x20`, "/", `\x2f`, ",", `\x2c`).Replace(strconv.QuoteToASCII(string(b)))
}

func unquoted(s string) ([]byte, error) {
	b, err := strconv.Unquote(s)
	return []byte(b), err
}

// String is the value's length and seed, or n and the number.
func (v Value) String() string {
	if v.Number {
		return fmt.Sprintf("n%d", v.Seed)
	}
	return fmt.Sprintf("%d.%d", v.Len, v.Seed)
}

func parseValue(s string) (v Value, err error) {
	if n, ok := strings.CutPrefix(s, "n"); ok {
		v.Number = true
		v.Seed, err = strconv.ParseUint(n, 10, 64)
		return v, err
	}
	length, seed, _ := strings.Cut(s, ".")
	if v.Len, err = strconv.Atoi(length); err == nil {
		v.Seed, err = strconv.ParseUint(seed, 10, 64)
	}
	return v, err
}

// String is the record as it stands in a list.
func (r Record) String() string {
	s := fmt.Sprintf("%s/%d/%s", r.Do, r.Family, quoted(r.Key))
	switch r.Do {
	case "put", "merge":
		s += "/" + r.Value.String()
	case "range":
		s += "/" + quoted(r.End)
	}
	return s
}

func parseRecord(s string) (r Record, err error) {
	parts := strings.Split(s, "/")
	if len(parts) < 3 {
		return r, fmt.Errorf("record %s has too few parts", s)
	}
	r.Do = parts[0]
	if r.Family, err = strconv.Atoi(parts[1]); err == nil {
		r.Key, err = unquoted(parts[2])
	}
	if err != nil || len(parts) == 3 {
		return r, err
	}
	if r.Do == "range" {
		r.End, err = unquoted(parts[3])
	} else {
		r.Value, err = parseValue(parts[3])
	}
	return r, err
}

// field is one part of a line: how it is written, "" if it is zero, and how it is read.
type field struct {
	name string
	text func(o *Op) string
	read func(o *Op, s string) error
}

func intField(name string, at func(o *Op) *int) field {
	return field{name, func(o *Op) string {
		if *at(o) == 0 {
			return ""
		}
		return strconv.Itoa(*at(o))
	}, func(o *Op, s string) (err error) {
		*at(o), err = strconv.Atoi(s)
		return err
	}}
}

func bytesField(name string, at func(o *Op) *[]byte) field {
	return field{name, func(o *Op) string {
		if *at(o) == nil {
			return ""
		}
		return quoted(*at(o))
	}, func(o *Op, s string) (err error) {
		*at(o), err = unquoted(s)
		return err
	}}
}

func boolField(name string, at func(o *Op) *bool) field {
	return field{name, func(o *Op) string {
		if !*at(o) {
			return ""
		}
		return "yes"
	}, func(o *Op, s string) error {
		*at(o) = s == "yes"
		return nil
	}}
}

func stringField(name string, at func(o *Op) *string) field {
	return field{name, func(o *Op) string { return *at(o) }, func(o *Op, s string) error {
		*at(o) = s
		return nil
	}}
}

var fields = []field{
	stringField("how", func(o *Op) *string { return &o.How }),
	intField("family", func(o *Op) *int { return &o.Family }),
	intField("slot", func(o *Op) *int { return &o.Slot }),
	stringField("on", func(o *Op) *string { return &o.On }),
	intField("n", func(o *Op) *int { return &o.N }),
	bytesField("key", func(o *Op) *[]byte { return &o.Key }),
	bytesField("end", func(o *Op) *[]byte { return &o.End }),
	{"value", func(o *Op) string {
		if o.Value == (Value{}) {
			return ""
		}
		return o.Value.String()
	}, func(o *Op, s string) (err error) {
		o.Value, err = parseValue(s)
		return err
	}},
	bytesField("lower", func(o *Op) *[]byte { return &o.Lower }),
	bytesField("upper", func(o *Op) *[]byte { return &o.Upper }),
	bytesField("prefix", func(o *Op) *[]byte { return &o.Prefix }),
	boolField("back", func(o *Op) *bool { return &o.Back }),
	boolField("keysonly", func(o *Op) *bool { return &o.KeysOnly }),
	intField("cut", func(o *Op) *int { return &o.Cut }),
	intField("limit", func(o *Op) *int { return &o.Limit }),
	intField("filter", func(o *Op) *int { return &o.Filter }),
	{"keys", func(o *Op) string {
		parts := make([]string, len(o.Keys))
		for i, k := range o.Keys {
			parts[i] = quoted(k)
		}
		return strings.Join(parts, ",")
	}, func(o *Op, s string) error {
		for part := range strings.SplitSeq(s, ",") {
			k, err := unquoted(part)
			if err != nil {
				return err
			}
			o.Keys = append(o.Keys, k)
		}
		return nil
	}},
	{"records", func(o *Op) string {
		parts := make([]string, len(o.Records))
		for i, r := range o.Records {
			parts[i] = r.String()
		}
		return strings.Join(parts, ",")
	}, func(o *Op, s string) error {
		for part := range strings.SplitSeq(s, ",") {
			r, err := parseRecord(part)
			if err != nil {
				return err
			}
			o.Records = append(o.Records, r)
		}
		return nil
	}},
}

// String is the operation as a line of a list.
func (o Op) String() string {
	line := []string{o.Do}
	for _, f := range fields {
		if s := f.text(&o); s != "" {
			line = append(line, f.name+"="+s)
		}
	}
	return strings.Join(line, " ")
}

// ParseOp reads what String writes.
func ParseOp(line string) (o Op, err error) {
	parts := strings.Fields(line)
	if len(parts) == 0 {
		return o, fmt.Errorf("an empty line is no operation")
	}
	o.Do = parts[0]
	for _, p := range parts[1:] {
		name, s, _ := strings.Cut(p, "=")
		if err := readField(&o, name, s); err != nil {
			return o, fmt.Errorf("%s: %w", p, err)
		}
	}
	return o, nil
}

func readField(o *Op, name, s string) error {
	for _, f := range fields {
		if f.name == name {
			return f.read(o, s)
		}
	}
	return fmt.Errorf("there is no such part of an operation")
}

// Write writes a list, an operation a line, behind comments of one line each.
func Write(w io.Writer, list []Op, comments ...string) error {
	b := bufio.NewWriter(w)
	for _, c := range comments {
		fmt.Fprintf(b, "# %s\n", c)
	}
	for _, o := range list {
		fmt.Fprintln(b, o)
	}
	return b.Flush()
}

// Read reads what Write writes. Empty lines and comments are passed over.
func Read(r io.Reader) (list []Op, err error) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, 64<<20)
	for n := 1; s.Scan(); n++ {
		line := strings.TrimSpace(s.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		o, err := ParseOp(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		list = append(list, o)
	}
	return list, s.Err()
}
