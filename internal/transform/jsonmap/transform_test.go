package jsonmap

import (
	"strings"
	"testing"

	"metadb/internal/change"
)

func TestDocuments(t *testing.T) {
	all := mappings("$ > t", "$.metadata > metadata", "$.tags > tags", "$.tags.tagList > taglist", "$.identifiers > identifiers",
		"$.parts > parts", "$.parts.sub > sub", "$.parts.sub.leaf > leaf")
	root := mappings("$ > t")
	for _, test := range []struct {
		name      string
		mappings  []Mapping
		documents string
		want      string
	}{
		{
			"scalars", root, `{"title": "First", "copies": 2, "price": 12.50, "active": true, "gone": null}`,
			`t: active=b:true copies=n:2 price=n:12.50 title=t:First`,
		},
		{
			"moments", root, `{"a":"2024-01-01T10:00:00.000+00:00","b":"2024-01-01T10:00","c":"2024-01-01","d":"2024-01-01T10:00:00+0530","e":"2024-02-30T10:00Z"}`,
			`t: a=tz:2024-01-01 10:00:00+00 b=ts:2024-01-01 10:00:00 c=t:2024-01-01 d=tz:2024-01-01 04:30:00+00 e=t:2024-02-30T10:00Z`,
		},
		{
			"names", root, `{"HTTPStatus":1,"IDs":2,"@type":3,"#hash":4,"a b":5,"日本":6,"createdDate":7}`,
			`t: a b=n:5 created_date=n:7 hash=n:4 http_status=n:1 i_ds=n:2 type=n:3 日本=n:6`,
		},
		{
			"empty name and reserved names", root, `{"":1,"@":2,"__root__id":3,"__ord__x":4,"__id":5}`,
			`t: __id=n:5 _pn2pv5op=n:1 _r2445mc9=n:2 ord__x_svbb8348=n:4 root__id_5bo2dans=n:3`,
		},
		{"empty object", root, `{}`, `t:`},
		{"no object", root, "[]\n\"scalar\"\nnull\n7\n", ``},
		{
			"nested object", all, `{"id":"1","metadata":{"createdByUserId":"u1","more":{"deep":1}}}`,
			`t: id=t:1 metadata__created_by_user_id=t:u1`,
		},
		{"mapped path with a scalar", all, `{"metadata":"not an object"}`, `t: metadata=t:not an object`},
		{
			"array of scalars", all, `{"tags":{"tagList":[null,"blue",3,true,[1],{"a":"b"}]}}`,
			"t:\ntaglist taglist#2: taglist=t:blue\ntaglist taglist#3: taglist=t:3\ntaglist taglist#4: taglist=t:true\ntaglist taglist#6: a=t:b",
		},
		{
			"array of objects", all, `{"identifiers":[{"value":"978-1","typeId":"isbn"},null,{"value":"0001","extra":{"deep":1}},{}]}`,
			"t:\nidentifiers identifiers#1: type_id=t:isbn value=t:978-1\nidentifiers identifiers#3: value=t:0001\nidentifiers identifiers#4:",
		},
		{"object where arrays were", all, `{"identifiers":{"value":"object"}}`, `t: identifiers__value=t:object`},
		{
			"arrays in arrays", all, `{"parts":[{"name":"p1","sub":[{"n":1,"leaf":["a","b"]},{"n":2}]},{"name":"p2","sub":[]}]}`,
			"t:\nparts parts#1: name=t:p1\nparts parts#2: name=t:p2\nsub parts#1 sub#1: n=n:1\nsub parts#1 sub#2: n=n:2\nleaf parts#1 sub#1 leaf#1: leaf=t:a\nleaf parts#1 sub#1 leaf#2: leaf=t:b",
		},
		{
			"array in an object that is an array elsewhere", all, `{"parts":{"sub":[7]}}` + "\n" + `{"parts":[{"sub":[8]}]}`,
			"t:\nt:\nparts parts#1:\nsub parts#- sub#1: sub=n:7\nsub parts#1 sub#1: sub=n:8",
		},
		{"unmapped parent", mappings("$ > t", "$.a.b > b"), `{"a":{"b":{"c":1}}}`, `t:`},
		{
			"duplicate members", all, `{"a":1,"a":"2","metadata":{"x":1},"metadata":{"y":2},"tags":{"tagList":[1]},"tags":3}`,
			`t: a=t:2 metadata__y=n:2 tags=n:3`,
		},
		{
			"collisions", root, `{"createdDate":1,"created_date":2,"CreatedDate":3}`,
			`t: created_date=n:2 created_date_1fndgava=n:3 created_date_4prsb3t0=n:1`,
		},
		{
			"collisions in another order", root, `{"CreatedDate":3,"created_date":2,"createdDate":1}`,
			`t: created_date=n:2 created_date_1fndgava=n:3 created_date_4prsb3t0=n:1`,
		},
		{
			"collision of a member and a nested one", all, `{"metadata":{"x":1},"metadata__x":2}`,
			`t: metadata__x=n:2 metadata__x_n52p2q9e=n:1`,
		},
		{
			"conflicting types", root, `{"a":1,"b":true,"c":"2024-01-01T10:00Z","d":"2024-01-01T10:00Z"}` + "\n" + `{"a":"x","b":1,"c":"2024-01-01T10:00","d":"y"}`,
			"t: a=t:1 b=t:true c=t:2024-01-01T10:00Z d=t:2024-01-01T10:00Z\nt: a=t:x b=t:1 c=t:2024-01-01T10:00 d=t:y",
		},
		{
			"numbers as text", root, `{"a":1e3,"b":-0.0,"c":1.50}` + "\n" + `{"a":"","b":"","c":""}`,
			"t: a=t:1000 b=t:0.0 c=t:1.50\nt: a=t: b=t: c=t:",
		},
		{"escapes", root, `{"a\u0042":"x\n\"\u00e9\ud83d\ude00"}`, `t: a_b=t:x` + "\n" + `"é😀`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := render(t, Compile(test.mappings), strings.Split(test.documents, "\n")...); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// TestLarge transforms documents of unusual size, which are neither cut nor slow.
func TestLarge(t *testing.T) {
	set := Compile(mappings("$ > t", "$.a > a"))
	digits := strings.Repeat("7", 400)
	elements := `{"a":[` + strings.Repeat(`"x",`, 9999) + `"y"]}`
	if got := render(t, set, elements); strings.Count(got, "\n") != 10000 || !strings.HasSuffix(got, "a a#10000: a=t:y") {
		t.Errorf("10,000 elements: got %d lines", strings.Count(got, "\n"))
	}
	deep := `{"b":` + strings.Repeat(`{"c":[`, 5000) + strings.Repeat(`]}`, 5000) + `,"d":` + digits + `}`
	if got := render(t, set, deep); got != "t: d=n:"+digits {
		t.Errorf("deep nesting: got %.80s", got)
	}
}

// TestManyFields leaves out values that can't be stored, by the names of the fields.
func TestManyFields(t *testing.T) {
	set := Compile(mappings("$ > t"))
	var b strings.Builder
	for i := range 2000 {
		b.WriteString(`"f` + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/26) + `":"` + strings.Repeat("z", 40) + `",`)
	}
	l := NewLayout(set, func(string) []change.Column { return nil })
	rows := NewRows(set)
	l.AddDocument(rows, [][]byte{[]byte("{" + b.String() + `"last":1}`)})
	if n := len(rows.rowScalars(0, 0)); n < 300 || n > 400 {
		t.Errorf("%d values were kept", n)
	}
	if left := l.TakeWarnings(); len(left) != 1 {
		t.Errorf("got %q", left)
	}
}

func TestPaths(t *testing.T) {
	for path, fine := range map[string]bool{
		"$": true, "$.a": true, "$.a.b c": true, "": false, "a": false, "$.": false, "$..a": false, "$.a[0]": false, "$.*": false, "$a": false,
	} {
		if _, err := ParsePath(path); (err == nil) != fine {
			t.Errorf("%q: got %v", path, err)
		}
	}
	for target, fine := range map[string]bool{
		"t": true, "t2": true, "abcdefghijklmnop": true, "": false, "2t": false, "A": false, "a_b": false, "abcdefghijklmnopq": false, "é": false,
	} {
		if err := CheckTarget(target); (err == nil) != fine {
			t.Errorf("%q: got %v", target, err)
		}
	}
}
