// SPDX-License-Identifier: MIT
#include "tools/bench/engines/engine.hpp"

namespace memoria::bench {

const std::vector<EngineKind>& engine_kinds() {
  static const std::vector<EngineKind> kinds = {
      {"memoria", false, make_memoria},
#ifdef MEMORIA_BENCH_LEVELDB
      {"leveldb", false, make_leveldb},
#endif
#ifdef MEMORIA_BENCH_ROCKSDB
      {"rocksdb", false, make_rocksdb},
#endif
#ifdef MEMORIA_BENCH_LMDB
      {"lmdb", false, make_lmdb},
#endif
#ifdef MEMORIA_BENCH_TKRZW
      {"tkrzw", false, make_tkrzw},
#endif
      {"raw", true, make_raw},
  };
  return kinds;
}

}  // namespace memoria::bench
