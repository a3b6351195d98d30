package apply

import (
	"slices"

	"metadb/internal/ident"
	"metadb/internal/target/catalog"
	"metadb/internal/transform/jsonmap"
)

// hasParentKey reports whether a transformed table has all key columns of its parent.
func hasParentKey(child, parent *catalog.Table) bool {
	return !slices.ContainsFunc(parent.Key, func(at int) bool {
		return child.Column(jsonmap.ParentKeyColumn(parent.Columns[at].Name)) < 0
	})
}

// parentKeyPairs returns the key columns of the transformed table, each with the column of the
// parent that it holds.
func parentKeyPairs(child, parent *catalog.Table) [][2]ident.Name {
	pairs := make([][2]ident.Name, 0, len(parent.Key))
	for _, at := range parent.Key {
		if root := child.Column(jsonmap.ParentKeyColumn(parent.Columns[at].Name)); root >= 0 {
			pairs = append(pairs, [2]ident.Name{child.Columns[root].Stored, parent.Columns[at].Stored})
		}
	}
	return pairs
}

// sameParentSQL returns the conditions that a row c of a transformed table belongs to the row p of
// its parent: one for keys without NULL, which an index serves, and one for the few keys with a
// NULL.
func sameParentSQL(child, parent *catalog.Table) [2]string {
	const origin = "c.__origin = p.__origin"
	equal, same, null := origin, origin, "false"
	for _, pair := range parentKeyPairs(child, parent) {
		c, p := "c."+pair[0].SQL(), "p."+pair[1].SQL()
		equal += " AND " + c + " = " + p
		same += " AND " + c + " IS NOT DISTINCT FROM " + p
		null += " OR " + p + " IS NULL"
	}
	return [2]string{equal, same + " AND (" + null + ")"}
}
