package io.tidbspark.write

import java.io.ByteArrayOutputStream

import org.apache.arrow.vector.VectorSchemaRoot
import org.apache.arrow.vector.ipc.ArrowStreamWriter
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.connector.expressions.filter.Predicate
import org.apache.spark.sql.connector.expressions.{Expression, Literal, NamedReference}
import org.apache.spark.sql.tidb.{SparkInternals, TiAnalysisException}
import org.apache.spark.sql.types.{StructField, StructType}

import io.tidbspark.proto.RowFilter
import io.tidbspark.proto.RowFilter.Operator

import com.google.protobuf.ByteString

/**
 * Conditions of an overwrite as the native library takes them: a column compared with constants of its own type, all of which hold.
 * Anything else (OR, NOT, functions, casts) is not translated, and the overwrite is refused.
 */
object RowFilters {
  private val Comparisons: Map[String, Operator] = Map(
    "=" -> Operator.EQUAL,
    "<=>" -> Operator.EQUAL, // the constant is never NULL here
    "<" -> Operator.LESS,
    "<=" -> Operator.LESS_OR_EQUAL,
    ">" -> Operator.GREATER,
    ">=" -> Operator.GREATER_OR_EQUAL
  )

  private val Mirrored: Map[String, String] = Map("<" -> ">", "<=" -> ">=", ">" -> "<", ">=" -> "<=", "=" -> "=", "<=>" -> "<=>")

  /** @return None when a predicate cannot be translated; empty when all rows are meant */
  def translate(predicates: Seq[Predicate], columns: StructType): Option[Seq[RowFilter]] =
    predicates.foldLeft(Option(Seq.empty[RowFilter])) { (done, predicate) =>
      done.flatMap(filters => one(predicate, columns).map(filters ++ _))
    }

  /**
   * @param action for the message: what cannot be done
   * @throws org.apache.spark.sql.AnalysisException when a predicate cannot be translated
   */
  def require(predicates: Array[Predicate], columns: StructType, action: => String): Seq[RowFilter] =
    translate(predicates.toSeq, columns).getOrElse(throw new TiAnalysisException(s"$action by ${predicates.mkString(" AND ")}"))

  private def one(predicate: Predicate, columns: StructType): Option[Seq[RowFilter]] = {
    val name = predicate.name
    (name, predicate.children.toSeq) match {
      case ("ALWAYS_TRUE", _) => Some(Nil)
      case ("AND", Seq(left: Predicate, right: Predicate)) => translate(Seq(left, right), columns)
      case ("IS_NULL", Seq(Column(column))) => find(column, columns).map(f => Seq(filter(f, Operator.IS_NULL, Nil)))
      case ("IS_NOT_NULL", Seq(Column(column))) => find(column, columns).map(f => Seq(filter(f, Operator.IS_NOT_NULL, Nil)))
      case ("IN", Column(column) +: constants) => comparison(column, Operator.IN, constants, columns)
      case (_, Seq(Column(column), constant: Literal[_])) =>
        Comparisons.get(name).flatMap(comparison(column, _, Seq(constant), columns))
      case (_, Seq(constant: Literal[_], Column(column))) =>
        Mirrored.get(name).flatMap(Comparisons.get).flatMap(comparison(column, _, Seq(constant), columns))
      case _ => None
    }
  }

  private def comparison(
      column: String,
      operator: Operator,
      constants: Seq[Expression],
      columns: StructType
  ): Option[Seq[RowFilter]] =
    find(column, columns).flatMap { field =>
      // No row is equal to NULL, so that it adds nothing to a list; a comparison with NULL alone removes nothing at all.
      val values = constants.collect { case literal: Literal[_] => literal }
      val known = values.filter(_.value != null)
      if (
        values.length == constants.length && known.nonEmpty && known
          .forall(l => SparkInternals.sameType(l.dataType, field.dataType))
      ) {
        Some(Seq(filter(field, operator, known.map(_.value))))
      } else {
        None
      }
    }

  /** Spark gives the name as the table has it. */
  private def find(column: String, columns: StructType): Option[StructField] = columns.find(_.name == column)

  private def filter(field: StructField, operator: Operator, values: Seq[Any]): RowFilter =
    RowFilter
      .newBuilder()
      .setColumn(field.name)
      .setOperator(operator)
      .setValues(if (values.isEmpty) ByteString.EMPTY else ByteString.copyFrom(encode(field, values)))
      .build()

  /** An Arrow IPC stream of one row with one column per value. */
  private[write] def encode(field: StructField, values: Seq[Any]): Array[Byte] = {
    val schema = StructType(values.indices.map(i => StructField(i.toString, field.dataType, nullable = false)))
    val allocator = SparkInternals.newArrowAllocator("tidb-overwrite")
    try {
      val root = VectorSchemaRoot.create(SparkInternals.toArrowSchema(schema, ArrowBatchExporter.TimeZone), allocator)
      try {
        val writer = SparkInternals.newArrowWriter(root)
        writer.write(InternalRow.fromSeq(values))
        writer.finish()
        val out = new ByteArrayOutputStream
        val stream = new ArrowStreamWriter(root, null, out)
        try stream.writeBatch()
        finally stream.close()
        out.toByteArray
      } finally root.close()
    } finally allocator.close()
  }

  /** A column of the table itself, not a field inside of one. */
  private object Column {
    def unapply(expression: Expression): Option[String] = expression match {
      case reference: NamedReference if reference.fieldNames.length == 1 => Some(reference.fieldNames.head)
      case _ => None
    }
  }
}
