package io.tidbspark.functions

import java.nio.charset.StandardCharsets.UTF_8
import java.security.MessageDigest

import org.apache.spark.sql.connector.catalog.functions.{BoundFunction, UnboundFunction}
import org.apache.spark.sql.types.{DataType, IntegerType, StructType}

/**
 * The function that puts a row into a partition of its table. Two tables that have it by the same name put equal values into partitions of equal
 * position. It cannot be called: only TiDB computes it.
 *
 * @param name see [[PartitionFunction.name]]
 */
final class PartitionFunction(override val name: String) extends UnboundFunction {
  override def description(): String = s"$name: where TiDB puts the rows of a partitioned table"

  override def bind(input: StructType): BoundFunction = new BoundFunction {
    override def name(): String = PartitionFunction.this.name
    override def canonicalName(): String = s"tidb.$name"
    override def inputTypes(): Array[DataType] = input.fields.map(_.dataType)
    override def resultType(): DataType = IntegerType
  }
}

object PartitionFunction {
  private val Prefix = "tidb_partition_"

  /** @param definition all that decides about the partition of a row but the name of the column */
  def name(definition: Seq[String]): String = {
    val digest = MessageDigest.getInstance("SHA-256")
    definition.foreach { part =>
      val bytes = part.getBytes(UTF_8)
      digest.update(s"${bytes.length}:".getBytes(UTF_8))
      digest.update(bytes)
    }
    Prefix + digest.digest().take(16).map(byte => f"$byte%02x").mkString
  }

  /** The function of that name, if it is one. */
  def unapply(name: String): Option[PartitionFunction] =
    if (name.startsWith(Prefix)) Some(new PartitionFunction(name)) else None
}
