package io.tidbspark.read

import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.config.Locality

class PreferredHostsSuite extends AnyFunSuite {
  private val stores = Seq("a", "b", "c")

  private def named(locality: Locality, isLocal: Boolean = false) =
    stores.filter(PreferredHosts.choose(locality, isLocal, Set("b", "z")))

  test("auto names hosts with an executor, always all, off none") {
    assert(named(Locality.Auto) == Seq("b") && named(Locality.Always) == stores && named(Locality.Off).isEmpty)
  }

  test("in local mode nobody is named") {
    assert(Seq(Locality.Auto, Locality.Always, Locality.Off).forall(named(_, isLocal = true).isEmpty))
  }
}
