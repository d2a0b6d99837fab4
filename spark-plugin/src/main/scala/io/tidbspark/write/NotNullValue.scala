package io.tidbspark.write

import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.codegen.Block._
import org.apache.spark.sql.catalyst.expressions.codegen.{CodegenContext, ExprCode, FalseLiteral}
import org.apache.spark.sql.catalyst.expressions.objects.AssertNotNull
import org.apache.spark.sql.catalyst.expressions.{Expression, NonSQLExpression, UnaryExpression}
import org.apache.spark.sql.types.DataType

import io.tidbspark.jni.{ErrorKind, NativeException}

/** A value for a column that may not be NULL: Spark's `AssertNotNull`, with an error in the words of all other wrong values instead of a NullPointerException. */
final case class NotNullValue(child: Expression, table: String, column: String) extends UnaryExpression with NonSQLExpression {
  override def dataType: DataType = child.dataType

  override def nullable: Boolean = false

  override def foldable: Boolean = false

  override def eval(input: InternalRow): Any = {
    val value = child.eval(input)
    if (value == null) throw error()
    value
  }

  override protected def doGenCode(ctx: CodegenContext, ev: ExprCode): ExprCode = {
    val value = child.genCode(ctx)
    val reference = ctx.addReferenceObj("column", this, classOf[NotNullValue].getName)
    ev.copy(
      code = code"${value.code}\nif (${value.isNull}) { throw $reference.error(); }",
      isNull = FalseLiteral,
      value = value.value
    )
  }

  /** Public for generated code. */
  def error(): RuntimeException =
    new NativeException(ErrorKind.InvalidValue.name, s"[InvalidValue] table $table: Column '$column' cannot be null", false)

  override protected def withNewChildInternal(newChild: Expression): NotNullValue = copy(child = newChild)
}

object NotNullValue {

  /** Spark's own checks of columns as ours. */
  def instead(expression: Expression, table: String): Expression = expression.transform {
    case AssertNotNull(child, Seq(column)) => NotNullValue(child, table, column)
  }
}
