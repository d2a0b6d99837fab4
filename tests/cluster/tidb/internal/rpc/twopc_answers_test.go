package rpc

// transactionAnswers are the answers of TiKV.
const transactionAnswers = `
prewrite 2: ok min=false onepc=false
scanlock <: ok region=false/false n=0
scanlock =: ok region=false/false n=2 Put/3000/0/false Put/3000/0/false
scanlock limit1: ok region=false/false n=1 Put/3000/0/false
scanlock from b: ok region=false/false n=1 Put/3000/0/false
scanlock to b: ok region=false/false n=1 Put/3000/0/false
scanlock empty ends: ok region=false/false n=2 Put/3000/0/false Put/3000/0/false
scanlock start==end: ok region=false/false n=0
scanlock start out: ok region=true/true n=0
scanlock end out: ok region=false/false n=2 Put/3000/0/false Put/3000/0/false
scanlock beyond: ok region=true/true n=0
get locked: locked type=Put ttl=3000 txnsize=0 min=false notfound=false ""
get below lock: ok notfound=true ""
get at lock: locked type=Put ttl=3000 txnsize=0 min=false notfound=false ""
get max: ok notfound=true ""
get max secondary: locked type=Put ttl=3000 txnsize=0 min=false notfound=false ""
get resolved: ok notfound=true ""
get committed list: ok notfound=false "1"
get RC: ok notfound=true ""
scan locked: ok region=false n=2 locked type=Put ttl=3000 txnsize=0 min=false locked type=Put ttl=3000 txnsize=0 min=false
scan rev locked: ok region=false n=2 locked type=Put ttl=3000 txnsize=0 min=false locked type=Put ttl=3000 txnsize=0 min=false
commit ts == start: other abort false
commit ts < start: other abort false
again other value: ok min=false onepc=false
status live: ok ttl=3000 commit=false action=NoAction lock=true
status live max caller: ok ttl=3000 commit=false action=MinCommitTSPushed lock=true
status other key: txn_not_found ttl=0 commit=false action=NoAction lock=false
status other key rollback: ok ttl=0 commit=false action=LockNotExistRollback lock=false
heartbeat: ok ttl=20000
heartbeat smaller: ok ttl=20000
heartbeat none: txn_not_found ttl=0
commit: ok true
commit again: ok true
commit again other ts: ok true
commit b: ok true
get: ok notfound=false "1"
rollback committed: other abort
status committed: ok ttl=0 commit=true action=NoAction lock=false
heartbeat committed: txn_not_found ttl=0
prewrite committed again: ok min=false onepc=false
prewrite older: conflict Optimistic commit>0=true primary=true retryable; 
insert existing: exists; 
checknotexists existing: exists; 
assert notexist on existing Off: ok min=false onepc=false
rollback: ok
assert exist on missing Off: ok min=false onepc=false
rollback: ok
assert exist on rolled back Off: ok min=false onepc=false
rollback: ok
assert notexist on existing Fast: assertion NotExist existing=true; 
rollback: ok
assert exist on missing Fast: assertion Exist existing=false; 
rollback: ok
assert exist on rolled back Fast: assertion Exist existing=false; 
rollback: ok
assert notexist on existing Strict: assertion NotExist existing=true; 
rollback: ok
assert exist on missing Strict: assertion Exist existing=false; 
rollback: ok
assert exist on rolled back Strict: assertion Exist existing=false; 
rollback: ok
rollback of nothing: ok
prewrite after: conflict SelfRolledBack commit>0=true primary=true retryable; 
commit after: other retryable false
status rolled back: ok ttl=0 commit=false action=NoAction lock=false
commit of nothing: other retryable false
p: ok min=false onepc=false
p other: locked type=Put ttl=3000 txnsize=7 min=true; 
p older: locked type=Put ttl=3000 txnsize=7 min=true; 
commit other: other retryable false
rollback other: ok
status push: ok ttl=3000 commit=false action=MinCommitTSPushed lock=true
commit small: expired false
get pushed: locked type=Put ttl=3000 txnsize=7 min=true notfound=false ""
resolve other: ok region=false
resolve commit <= start: expired region=false
scanlock: ok region=false/false n=1 Put/3000/7/true
get d: locked type=Put ttl=3000 txnsize=7 min=true notfound=false ""
expired p: ok min=false onepc=false
expired status: ok ttl=0 commit=false action=TTLExpireRollback lock=false
expired status again: ok ttl=0 commit=false action=NoAction lock=false
expired commit: other retryable false
lock p: ok min=false onepc=false
get under op lock: ok notfound=true ""
lock commit: ok true
lock status: ok ttl=0 commit=true action=NoAction lock=false
lock commit again: ok true
newer p on lock record: ok min=false onepc=false
rb: ok
older p on lock record: ok min=false onepc=false
del missing: ok min=false onepc=false ok true ok notfound=true ""
del twice: ok min=false onepc=false ok true
insert after del: ok min=false onepc=false ok true
empty value: ok min=false onepc=false
async: ok min=true onepc=false
async again: ok min=true onepc=false
async status: ok ttl=3000 commit=false action=NoAction lock=true
async secondary: 1 0 ok
async commit: ok true
1pc: ok min=true onepc=true
1pc again: ok min=true onepc=true
1pc get: ok notfound=false "1"
scan out low: other abort region=false n=1 other abort
scan out high: other abort region=false n=1 other abort
scan no end: ok region=false n=2 ok ok
scan limit 0: ok region=false n=0
scan inverted: ok region=false n=0
batchget out: false false ok true
commit ts 0 txn: ok
batchget none: 0
get out: false false other abort false
prewrite out: false false 1
`
