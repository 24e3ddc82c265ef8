package ingest

import (
	"github.com/metrana/metrana/go/catalog"
	"github.com/metrana/metrana/go/wire/pb/types"
)

// decodeAttributes reads updates of attributes, and counts those that it skips
// because their value is none. One without a value clears.
func decodeAttributes(updates []*types.AttributeUpdate) (decoded []catalog.Update, skipped int) {
	decoded = make([]catalog.Update, 0, len(updates))
	for _, u := range updates {
		// A time that no calendar has could not be shown again.
		if at := u.GetTimestampValue(); at != nil && !at.IsValid() {
			skipped++
			continue
		}
		decoded = append(decoded, decodeAttribute(u))
	}
	return decoded, skipped
}

func decodeAttribute(u *types.AttributeUpdate) catalog.Update {
	update := catalog.Update{Path: u.GetPath()}
	set := func(v catalog.Value) { update.Value = &v }
	switch v := u.GetValue().(type) {
	case *types.AttributeUpdate_BoolValue:
		set(catalog.Truth(v.BoolValue))
	case *types.AttributeUpdate_StringValue:
		set(catalog.Text(v.StringValue))
	case *types.AttributeUpdate_FloatValue:
		set(catalog.Value{Kind: catalog.KindFloat, Float: v.FloatValue})
	case *types.AttributeUpdate_IntValue:
		set(catalog.Whole(v.IntValue))
	case *types.AttributeUpdate_StringSetValue:
		set(catalog.SetOf(v.StringSetValue.GetValues()))
	case *types.AttributeUpdate_StringSetDeltaValue:
		update.Delta = &catalog.Delta{Added: v.StringSetDeltaValue.GetAddedValues(), Removed: v.StringSetDeltaValue.GetRemovedValues()}
	case *types.AttributeUpdate_TimestampValue:
		set(catalog.Moment(v.TimestampValue.AsTime()))
	}
	return update
}
