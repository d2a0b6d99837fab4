package io.tidbspark.functions

import org.apache.spark.sql.catalyst.analysis.{NoSuchFunctionException, NoSuchNamespaceException}
import org.apache.spark.sql.connector.catalog.Identifier
import org.apache.spark.sql.types.{LongType, StructType}
import org.apache.spark.sql.util.CaseInsensitiveStringMap
import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.TiCatalog
import io.tidbspark.compat.Converters._

class TiFunctionsSuite extends AnyFunSuite {
  private val catalog = {
    val catalog = new TiCatalog
    catalog.initialize("c", new CaseInsensitiveStringMap(Map("pd.addresses" -> "127.0.0.1:2379").asJava))
    catalog
  }

  test("functions are in the namespace system") {
    val names = catalog.listFunctions(Array("SYSTEM")).map(_.toString).toSeq
    assert(names == Seq("system.current_tso", "system.timestamp_to_tso", "system.tso_to_timestamp"))
    assert(catalog.loadFunction(Identifier.of(Array("System"), "TSO_to_timestamp")).name() == "tso_to_timestamp")
    intercept[NoSuchFunctionException](catalog.loadFunction(Identifier.of(Array("db"), "current_tso")))
    intercept[NoSuchFunctionException](catalog.loadFunction(Identifier.of(Array("system"), "nothing")))
    intercept[NoSuchNamespaceException](catalog.listFunctions(Array("a", "b")))
  }

  test("functions of partitions are found by Spark only, and are told apart by all that defines them") {
    val names =
      Seq(Seq("HASH", "bigint", "", ""), Seq("HASH", "bigint", ""), Seq("KEY", "bigint", "", ""), Seq("HASHbigint", "", ""))
        .map(PartitionFunction.name)
    assert(names.distinct.size == names.size && names.head == PartitionFunction.name(Seq("HASH", "bigint", "", "")))
    val bound = catalog.loadFunction(Identifier.of(Array.empty, names.head)).bind(new StructType().add("id", LongType))
    assert(bound.canonicalName() == s"tidb.${names.head}" && bound.inputTypes().toSeq == Seq(LongType))
    intercept[NoSuchFunctionException](catalog.loadFunction(Identifier.of(Array("system"), names.head)))
  }

  test("arguments are counted; Spark casts them") {
    val two = new StructType().add("a", LongType).add("b", LongType)
    Seq(TsoToTimestampFunction, TimestampToTsoFunction).foreach { function =>
      assert(intercept[UnsupportedOperationException](function.bind(two)).getMessage.contains(function.description()))
    }
    intercept[UnsupportedOperationException](new CurrentTsoFunction(() => fail("PD must not be asked")).bind(two))
  }

  test("there and back, and what does not fit") {
    val (to, from) = (new TsoToTimestamp, new TimestampToTso)
    assert(from.invoke(1710055800123456L) == 1710055800123L << 18)
    assert(to.invoke((1710055800123L << 18) + 262143) == 1710055800123000L)
    assert(to.invoke(0) == 0 && from.invoke(0) == 0)
    val last = (1L << 45) - 1
    assert(from.invoke(last * 1000 + 999) == last << 18 && to.invoke(Long.MaxValue) == last * 1000)
    Seq(-1L, (last + 1) * 1000).foreach(micros => intercept[IllegalArgumentException](from.invoke(micros)))
    assert(intercept[IllegalArgumentException](to.invoke(-5)).getMessage.contains("-5"))
  }

  test("current_tso is bound once") {
    var asked = 0
    val function = new CurrentTsoFunction(() => { asked += 1; 42L })
    val bound = function.bind(new StructType()).asInstanceOf[CurrentTso]
    assert(bound.invoke() == 42 && bound.invoke() == 42 && asked == 1)
    assert(
      bound == new CurrentTso(42) && bound != new CurrentTso(43) && bound.canonicalName() != new CurrentTso(43).canonicalName()
    )
  }
}
