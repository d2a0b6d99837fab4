package rpc

import (
	"fmt"
	"reflect"

	"github.com/pingcap/kvproto/pkg/errorpb"
	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/pingcap/kvproto/pkg/metapb"

	"tidb-spark.test/cluster/tidb/internal/fault"
	"tidb-spark.test/cluster/tidb/internal/region"
)

var errorType = reflect.TypeFor[*errorpb.Error]()

// carriesRegionError tells whether a response type (a pointer to a message) has the field.
func carriesRegionError(resp reflect.Type) bool {
	if resp == nil || resp.Kind() != reflect.Pointer || resp.Elem().Kind() != reflect.Struct {
		return false
	}
	f, ok := resp.Elem().FieldByName("RegionError")
	return ok && f.Type == errorType
}

// withRegionError makes a response that says nothing but this error.
func withRegionError(resp reflect.Type, e *errorpb.Error) any {
	v := reflect.New(resp.Elem())
	v.Elem().FieldByName("RegionError").Set(reflect.ValueOf(e))
	return v.Interface()
}

// undeterminedResult is errorpb.Error field 22 (an empty message), which is younger than the
// protocol module that this store is built with: tag 22 << 3 | 2 as a varint, length 0.
var undeterminedResult = []byte{0xb2, 0x01, 0x00}

// regionError builds the error of a fault kind as TiKV would for this request.
func regionError(kind string, ms int, m *region.Local, ctx *kvrpcpb.Context, ranges []fault.Range) *errorpb.Error {
	id := ctx.GetRegionId()
	e := &errorpb.Error{Message: "injected fault: " + kind}
	r := m.Get(id)
	peer := &metapb.Peer{}
	if r != nil {
		peer = r.Leader()
	}
	switch kind {
	case "not_leader":
		e.NotLeader = &errorpb.NotLeader{RegionId: id}
	case "not_leader_hint":
		e.NotLeader = &errorpb.NotLeader{RegionId: id, Leader: peer}
	case "region_not_found":
		e.RegionNotFound = &errorpb.RegionNotFound{RegionId: id}
	case "key_not_in_region":
		e.KeyNotInRegion = &errorpb.KeyNotInRegion{RegionId: id}
		if len(ranges) > 0 {
			e.KeyNotInRegion.Key = ranges[0].Start
		}
		if r != nil {
			e.KeyNotInRegion.StartKey, e.KeyNotInRegion.EndKey = r.Meta().StartKey, r.Meta().EndKey
		}
	case "epoch_not_match":
		if r != nil {
			e.EpochNotMatch = m.EpochNotMatch(r).EpochNotMatch
		} else {
			e.EpochNotMatch = &errorpb.EpochNotMatch{}
		}
	case "server_is_busy":
		e.ServerIsBusy = &errorpb.ServerIsBusy{Reason: "injected fault", BackoffMs: uint64(ms)}
	case "stale_command":
		e.StaleCommand = &errorpb.StaleCommand{}
	case "store_not_match":
		asked := ctx.GetPeer().GetStoreId()
		e.StoreNotMatch = &errorpb.StoreNotMatch{RequestStoreId: asked, ActualStoreId: asked + 1}
	case "raft_entry_too_large":
		e.RaftEntryTooLarge = &errorpb.RaftEntryTooLarge{RegionId: id, EntrySize: 9 << 20}
	case "max_ts_not_synced":
		e.MaxTimestampNotSynced = &errorpb.MaxTimestampNotSynced{}
	case "read_index_not_ready":
		e.ReadIndexNotReady = &errorpb.ReadIndexNotReady{Reason: "injected fault", RegionId: id}
	case "proposal_in_merging_mode":
		e.ProposalInMergingMode = &errorpb.ProposalInMergingMode{RegionId: id}
	case "data_is_not_ready":
		e.DataIsNotReady = &errorpb.DataIsNotReady{RegionId: id, PeerId: peer.GetId()}
	case "region_not_initialized":
		e.RegionNotInitialized = &errorpb.RegionNotInitialized{RegionId: id}
	case "disk_full":
		e.DiskFull = &errorpb.DiskFull{StoreId: []uint64{m.StoreID()}, Reason: "injected fault"}
	case "recovery_in_progress":
		e.RecoveryInProgress = &errorpb.RecoveryInProgress{RegionId: id}
	case "flashback_in_progress":
		e.FlashbackInProgress = &errorpb.FlashbackInProgress{RegionId: id}
	case "flashback_not_prepared":
		e.FlashbackNotPrepared = &errorpb.FlashbackNotPrepared{RegionId: id}
	case "is_witness":
		e.IsWitness = &errorpb.IsWitness{RegionId: id}
	case "mismatch_peer_id":
		asked := ctx.GetPeer().GetId()
		e.MismatchPeerId = &errorpb.MismatchPeerId{RequestPeerId: asked, StorePeerId: asked + 1}
	case "bucket_version_not_match":
		e.BucketVersionNotMatch = &errorpb.BucketVersionNotMatch{Version: 1}
	case "undetermined_result":
		e.XXX_unrecognized = undeterminedResult
	default:
		e.Message = fmt.Sprintf("injected fault of an unknown kind %q", kind)
	}
	return e
}
