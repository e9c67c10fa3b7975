package engine

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// PropertyKind says what a property is, and so which method reads it: PropertyInt, PropertyFloat,
// PropertyMap, or Property, which reads each as a text.
type PropertyKind string

// The kinds of properties.
const (
	PropertyNumber   PropertyKind = "number"   // PropertyInt
	PropertyFraction PropertyKind = "fraction" // PropertyFloat
	PropertyMap      PropertyKind = "map"      // PropertyMap
	PropertyText     PropertyKind = "text"     // Property
)

// PropertyInfo describes a property of RocksDB.
type PropertyInfo struct {
	Name     string
	Kind     PropertyKind
	Numbered bool   // a number stands behind the name: mostly a level
	Since    string // the version of RocksDB that brought it; empty: all that are supported have it
	scope    propertyScope
}

// propertyScope says what a property is about, whatever family is asked.
type propertyScope uint8

const (
	ofFamily propertyScope = iota
	ofDatabase
	ofCache // which families may share
)

// OfDatabase tells whether the property is about the database as a whole, whatever family is asked.
func (p PropertyInfo) OfDatabase() bool { return p.scope == ofDatabase }

// OfCache tells whether the property is about a cache, which families mostly share.
func (p PropertyInfo) OfCache() bool { return p.scope == ofCache }

// Properties describes all properties of RocksDB that are known here, in a list that is the caller's own.
func Properties() []PropertyInfo { return slices.Clone(properties) }

// propertyOf finds what is known of a property.
func propertyOf(name string) (p PropertyInfo, known bool) {
	for _, p := range properties {
		number, is := strings.CutPrefix(name, p.Name)
		if is && (p.Numbered && number != "" && strings.Trim(number, "0123456789") == "" || !p.Numbered && number == "") {
			return p, true
		}
	}
	return p, false
}

// Property reads one of RocksDB's properties, such as "rocksdb.stats", of the default family, as a text.
// See ColumnFamily.Property.
func (d *DB) Property(name string) (string, error) { return d.family().Property(name) }

// PropertyInt reads a property that is a number, such as PropEstimateNumKeys, of the default family. See
// ColumnFamily.PropertyInt.
func (d *DB) PropertyInt(name string) (uint64, error) { return d.family().PropertyInt(name) }

// PropertyFloat reads a property that is a fraction, of the default family. See ColumnFamily.PropertyFloat.
func (d *DB) PropertyFloat(name string) (float64, error) { return d.family().PropertyFloat(name) }

// PropertyMap reads a property that has several named parts, of the default family. See
// ColumnFamily.PropertyMap.
func (d *DB) PropertyMap(name string) (map[string]string, error) { return d.family().PropertyMap(name) }

// PropertySum adds up a property that is a number over all families. Of the database as a whole it is
// simply the number. Of caches, which families may share, it is ErrInvalidArgument. The families are asked
// one after the other.
func (d *DB) PropertySum(name string) (sum uint64, err error) {
	if d == nil || d.c == nil {
		return 0, ErrClosed
	}
	p, known := propertyOf(name)
	switch {
	case known && p.OfCache():
		return 0, d.describe(invalid("property", name+" is of a cache that families may share: ask each"), "")
	case known && p.OfDatabase():
		return d.PropertyInt(name)
	}
	for _, c := range *d.families.Load() {
		n, err := c.PropertyInt(name)
		if err != nil && !errors.Is(err, ErrFamilyDropped) { // dropped meanwhile: no part of the sum
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// Property reads one of RocksDB's properties of the family, as a text, one of any kind. ErrInvalidArgument
// if RocksDB does not know it, or cannot tell it of this family; ErrUnsupported, with the version, if the
// linked RocksDB is too old for it. Safe for concurrent use.
func (c *ColumnFamily) Property(name string) (string, error) {
	v, err := c.property(name)
	if err != nil && c != nil && c.db != nil {
		err = c.describe(err, "property", nil)
	}
	return v, err
}

func (c *ColumnFamily) property(name string) (string, error) {
	if err := c.enter(nil, opProperty); err != nil {
		return "", err
	}
	defer c.db.guard.leave(opProperty)
	if err := validateFamilyName(name); err != nil {
		return "", invalid("", "a property's name must not be empty or contain a zero byte")
	}
	if beyondLevels(name) {
		return "", invalid("", "RocksDB does not know property "+name)
	}
	v, ok := c.c.Property(name)
	if ok {
		return v, nil
	}
	p, known := propertyOf(name)
	if known && p.Since != "" && !linkedSince(p.Since) {
		return "", dberr.New("", dberr.Unsupported, "property "+name+" needs RocksDB "+p.Since+"; linked is "+Version())
	}
	if known {
		return "", invalid("", "RocksDB does not know property "+name+" of this family")
	}
	return "", invalid("", "RocksDB does not know property "+name)
}

// mostNumbered is above every level and every number of a temperature.
const mostNumbered = 255

// beyondLevels tells whether the number at a name's end is above all that RocksDB has: it takes a number of
// 64 bits for one of 32, which can be negative, and then looks for that level.
func beyondLevels(name string) bool {
	digits := name[len(strings.TrimRight(name, "0123456789")):]
	n, err := strconv.ParseUint(digits, 10, 64)
	return digits != "" && (err != nil || n > mostNumbered)
}

// PropertyInt reads a property of the family that is a number. Errors as of Property; ErrInvalidArgument
// too for one that is none.
func (c *ColumnFamily) PropertyInt(name string) (uint64, error) {
	return readProperty(c, name, "number", func(text string) (uint64, error) { return strconv.ParseUint(text, 10, 64) })
}

// PropertyFloat reads a property of the family that is a fraction, or a number. Errors as of PropertyInt.
func (c *ColumnFamily) PropertyFloat(name string) (float64, error) {
	return readProperty(c, name, "fraction", func(text string) (float64, error) { return strconv.ParseFloat(text, 64) })
}

// PropertyMap reads a property of the family that has several named parts, such as
// PropAggregatedTableProperties. The map is the caller's own. Errors as of PropertyInt.
func (c *ColumnFamily) PropertyMap(name string) (map[string]string, error) {
	if p, known := propertyOf(name); known && p.Kind != PropertyMap {
		if _, err := c.Property(name); err != nil {
			return nil, err
		}
		return nil, c.describe(invalid("", fmt.Sprintf("property %s is no map: it is a %s", name, p.Kind)), "property", nil)
	}
	return readProperty(c, name, "map", parseProperties)
}

// readProperty reads a property and what its text means.
func readProperty[T any](c *ColumnFamily, name, kind string, parse func(string) (T, error)) (v T, err error) {
	text, err := c.Property(name)
	if err != nil {
		return v, err
	}
	if v, err = parse(strings.TrimSpace(text)); err != nil {
		var none T
		return none, c.describe(invalid("", "property "+name+" is no "+kind), "property", nil)
	}
	return v, nil
}

// parseProperties reads the two ways that RocksDB writes maps: "name=value; name=value; " and, with a title
// before them, "title: name: number, name: number".
func parseProperties(text string) (map[string]string, error) {
	m := map[string]string{}
	if strings.Contains(text, "; ") || strings.HasSuffix(text, ";") {
		for part := range strings.SplitSeq(text, ";") {
			name, value, ok := strings.Cut(part, "=")
			if !ok && strings.TrimSpace(part) != "" {
				return nil, strconv.ErrSyntax
			}
			if ok {
				m[strings.TrimSpace(name)] = strings.TrimSpace(value)
			}
		}
		return m, nil
	}
	line, _, _ := strings.Cut(text, "\n")
	_, list, _ := strings.Cut(line, ": ")
	for part := range strings.SplitSeq(list, ",") {
		name, value, ok := strings.Cut(part, ":")
		value = strings.TrimSpace(value)
		if _, err := strconv.ParseUint(value, 10, 64); err != nil || !ok {
			return nil, strconv.ErrSyntax
		}
		m[strings.TrimSpace(name)] = value
	}
	return m, nil
}
