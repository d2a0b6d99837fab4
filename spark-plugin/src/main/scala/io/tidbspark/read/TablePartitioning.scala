package io.tidbspark.read

import org.apache.spark.sql.connector.expressions.{Expressions, Transform}

import io.tidbspark.compat.Converters._
import io.tidbspark.functions.PartitionFunction
import io.tidbspark.proto.{Column, DataType, TableSchema}

/**
 * The partitions of a table as Spark can use them: as a function from a column to the position of the partition.
 *
 * {{{
 *   PARTITION BY HASH (id) PARTITIONS 16  ->  tidb_partition_<digest>(id)  ->  tasks with the keys 0, 1, ... 15
 * }}}
 *
 * Spark never computes the function; it compares its name with that of another table's, and takes rows with equal columns to be in tasks with equal
 * keys. The name is a digest of all that decides where TiDB puts a row. The column is an integer: of other types there are values that
 * differ in TiDB, and lie in different partitions, and are the same in Spark (a TINYINT(1) of 1 and of 2, two dates that the calendar does not have).
 */
private[read] object TablePartitioning {
  private val Integer = "(tinyint|smallint|mediumint|int|bigint)(?:\\(\\d+\\))?( unsigned)?".r

  /**
   * None for a table that has no partitions, or whose partitions Spark cannot use.
   *
   * @param columns that the scan answers: Spark has no use for a column that is not among them
   */
  def transform(table: TableSchema, columns: Set[String]): Option[Transform] = {
    val partitioning = table.getPartitioning
    for {
      column <- table.getColumnsList.asScala.find(column => TiScan.quoted(column.getName) == partitioning.getExpression)
      if columns(column.getName) && !partitioning.getChanging
      integer <- integerType(column)
    } yield {
      val partitions = partitioning.getPartitionsList.asScala.map(_.getDescription)
      val name = PartitionFunction.name(partitioning.getMethod +: integer +: partitions.toSeq)
      Expressions.apply(name, TiScan.reference(column.getName))
    }
  }

  /** As TiDB names it, without a display width; None when it is none, or when Spark sees something else. */
  private def integerType(column: Column): Option[String] = column.getMysqlType match {
    case Integer(name, unsigned) if column.getType.getKind != DataType.Kind.BOOLEAN =>
      Some(name + Option(unsigned).getOrElse(""))
    case _ => None
  }
}
